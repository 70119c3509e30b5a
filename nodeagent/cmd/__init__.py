"""Entry points of `nodeagent`: read settings, build the objects, run them; the one place that knows every room."""
