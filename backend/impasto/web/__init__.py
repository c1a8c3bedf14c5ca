"""The web face: an HTTP API, and a page that uses it. A client of the same server as editors and scripts.

`serving` runs it, and `app` puts it together. `jobs_api` and `choices_api` have the endpoints, `house` what they share,
`views` and `openapi` what they say; `guard`, `keys` and `persons` know who asks; `uploads`, `addresses` and `orders`
read what is asked for; `workshop` decodes and encodes pictures in processes of their own, `studio` has the jobs,
each a `job`, `catalogue` the choices, `lines` the connections to the server, and `problems` the answers when something
is wrong.
"""
