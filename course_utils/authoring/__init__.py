"""The author's side: refresh, check and link the lessons. No lesson imports it."""
