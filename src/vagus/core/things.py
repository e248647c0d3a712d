"""What robots and people call things: shapes and colours, in the order of their codes in messages."""

SHAPES = ("cup", "bottle", "box", "ball", "can", "bowl")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "black")
