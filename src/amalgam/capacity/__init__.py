"""What the platform uses of what it has, and when it will not suffice any more."""
