SELECT id FROM events WHERE kind = $kind AND prize > 1
