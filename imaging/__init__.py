"""What gateway, training and backends do alike with a picture; it imports none of them."""
