SELECT id, kind, price * 2 AS total FROM public.raw
