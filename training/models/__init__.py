"""The two networks, and what is put around them to serve them."""
