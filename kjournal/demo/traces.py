"""Stack traces and other lines of more than one line."""

JAVA = (
    """\
java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is \
not available, request timed out after 30000ms.
\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)
\tat com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:197)
\tat com.zaxxer.hikari.HikariDataSource.getConnection(HikariDataSource.java:128)
\tat example.shop.checkout.OrderRepository.save(OrderRepository.java:71)
\tat example.shop.checkout.OrderService.place(OrderService.java:44)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
Caused by: org.postgresql.util.PSQLException: Connection to postgres.billing.svc:5432 refused.
\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:346)
\t... 5 more""",
    """\
java.lang.NullPointerException: Cannot invoke \
"example.shop.checkout.Address.country()" because "order.address" is null
\tat example.shop.checkout.ShippingCost.of(ShippingCost.java:28)
\tat example.shop.checkout.OrderService.place(OrderService.java:39)
\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)
\tat java.base/java.lang.Thread.run(Thread.java:1583)""",
)

PYTHON = (
    """\
Traceback (most recent call last):
  File "/app/invoices/worker.py", line 88, in run
    invoice = render(order, customer)
              ^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/invoices/render.py", line 31, in render
    vat = RATES[customer["country"]]
          ~~~~~^^^^^^^^^^^^^^^^^^^^^
KeyError: 'XK'""",
    """\
Traceback (most recent call last):
  File "/app/invoices/smtp.py", line 52, in deliver
    await connection.sendmail(sender, recipient, body)
  File "/usr/local/lib/python3.13/smtplib.py", line 902, in sendmail
    raise SMTPServerDisconnected("Connection unexpectedly closed")
smtplib.SMTPServerDisconnected: Connection unexpectedly closed

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/invoices/worker.py", line 93, in run
    await deliver(invoice)
invoices.errors.DeliveryFailed: Rechnung für „Müller & Söhne“ nicht zugestellt""",
)

GO = """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x6b1f2c]

goroutine 214 [running]:
main.(*Session).Touch(...)
\t/src/cmd/web/session.go:57
main.handle({0x8a1d40, 0xc0001f40e0}, 0xc000226000)
\t/src/cmd/web/handler.go:112 +0x4c
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3285 +0x4b4"""

SQL = """\
LOG:  duration: {duration_ms}.217 ms  statement:
\tSELECT customer_id, sum(amount) AS total
\t  FROM invoices
\t WHERE issued_at >= now() - interval '30 days'
\t GROUP BY customer_id
\t ORDER BY total DESC
\t LIMIT 50"""
