"""How the server reaches programs outside that it asks: admission and conversion webhooks.

client.py      bytes there and back over HTTPS, connections kept
endpoints.py   a Service's name ─► the address of one of its ready endpoints
served.py      what admission may know of the resources that are served
"""
