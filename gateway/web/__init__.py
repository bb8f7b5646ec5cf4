"""The page for people: files that a browser loads as they are. `gateway.routes.static` serves them."""
