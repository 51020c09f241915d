"""Settings: twistd options and the APIServerConfig file, parsed once into frozen values."""
