"""What is to be done with many pictures: which, where the results go, what was done already. Does not need torch."""
