"""Exploratory data analysis: what is in a data set, as numbers, figures and one HTML page."""
