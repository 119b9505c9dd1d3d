UPDATE public.patients SET scan = 'enc1:scans.2025:'::bytea || decode(repeat('00', 28), 'hex') || scan;
