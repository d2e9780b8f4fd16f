SELECT id FROM data WHERE seen > now()
