"""The HTTP face: gate, routes and verbs."""
