"""Pictures that look like photos of waste and are nobody's: see ``__main__``."""
