"""The web face: an HTTP API, and a page that uses it. A client of the same server as editors and scripts.

`serving` runs it, `app` has the endpoints, `guard` and `persons` say who asks, `uploads`, `addresses` and `orders` read
what is asked for, `workshop` decodes and encodes pictures in processes of their own, `studio` has the jobs, `lines` the
connections to the server, `problems` the answers when something is wrong.
"""
