"""THE LAW: procedures, calendars, gates and the decision whether a step may be taken.

Pure: no database, no clock, no logging. Knows nothing of the trail, the web or Celery.
"""
