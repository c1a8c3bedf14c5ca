"""The server: a broker process that owns the sockets and the queue, and a worker process for each device.

The broker never imports torch. It starts in a moment, lives through whatever a driver does to a worker, and answers
while the workers work.
"""
