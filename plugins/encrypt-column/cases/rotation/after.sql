UPDATE public.patients SET diagnosis = 'enc1:2026:'
    || encode(decode(repeat('00', 28 + octet_length(diagnosis)), 'hex'), 'base64');
