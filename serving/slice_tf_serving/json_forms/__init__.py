"""JSON bodies of requests and answers, as TensorFlow Serving reads them."""
