"""What lets an interrupted clip be taken up again: records of finished work, and states at chunk edges."""
