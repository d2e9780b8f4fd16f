SELECT b.id, doubled, b.kind FROM b JOIN a USING (id)
