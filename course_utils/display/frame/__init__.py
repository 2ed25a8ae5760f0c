"""The frame of a playground: sentence, goal, picture and controls, as one widget."""
