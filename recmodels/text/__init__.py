"""Vectors of texts: TF-IDF, and Transformers whose weights lie in a local folder."""
