SELECT e.id
FROM usres u
JOIN events e ON e.user_id = u.user_id
