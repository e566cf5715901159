"""From files to batches: what is there (index), what is taken (sampler, clips), how it looks (video, views).

Importing this package loads neither torch nor a decoder; its modules say what they need.
"""
