"""The learning library: tensors, videos and folders; nothing of HTTP, SQL or queues."""
