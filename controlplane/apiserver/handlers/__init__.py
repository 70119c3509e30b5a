"""One file a verb: each handler takes a Call that is authenticated and authorized, and returns an Answer."""
