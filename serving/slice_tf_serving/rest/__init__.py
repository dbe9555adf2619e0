"""TensorFlow Serving's REST API, on an HTTP front of its own."""
