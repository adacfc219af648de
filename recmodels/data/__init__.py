"""Read, check, clean and split logs of user behaviour."""
