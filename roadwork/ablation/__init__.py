"""What each part of the head and of its training is worth: variants, their results as rows, and the page about them."""
