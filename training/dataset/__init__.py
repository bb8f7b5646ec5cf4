"""Photos and their labels: reading, preprocessing, augmentation, duplicates, exploration."""
