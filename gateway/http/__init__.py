"""The HTTP server: its protocol with bounds, the layer around every request, problem documents."""
