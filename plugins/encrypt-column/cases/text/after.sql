-- Bytes of the right number, that differ from row to row, in the place of the cipher's.
UPDATE public.patients SET diagnosis = 'enc1:2025:'
    || encode(decode(repeat('00', 27 + octet_length(diagnosis)) || lpad(id::text, 2, '0'), 'hex'), 'base64');
