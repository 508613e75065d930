"""What a competent engineer would write on the first day; nothing here is used by the project."""
