"""From messages to ETAs and exceptions. The only floor that imports bytewax."""
