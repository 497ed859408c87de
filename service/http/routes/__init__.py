"""Routes: each validates, calls one function and lets one place map errors."""
