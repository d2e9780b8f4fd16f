SELECT kind FROM data WHERE false
