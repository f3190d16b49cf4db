"""How good a recognizer is: pure metrics, the report of one model, the comparison of several."""
