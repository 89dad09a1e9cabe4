"""Live handshakes from the controller, over connections of their own, and what a failure means."""
