"""What is found across accounts and outside AWS, and what becomes of it when it is old."""
