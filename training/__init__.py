"""Turns a data set into weights, their model card and the files of the model repository."""
