-- corrie: materialization_strategy=REPLACE
SELECT u.segment, sum(s.spent) AS spent
FROM spent_by_user s JOIN public.users u USING (user_id)
GROUP BY ALL
