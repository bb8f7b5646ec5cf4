"""The things that are rendered, a module each: what they are made of, how they lie, how they are seen."""
