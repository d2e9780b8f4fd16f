SELECT staged.*, segment FROM staged JOIN users USING (user_id)
