CREATE TABLE public.notes (
    tenant int NOT NULL,
    number bigint NOT NULL,
    title  varchar(40) NOT NULL,
    body   text,
    PRIMARY KEY (tenant, number)
);
INSERT INTO public.notes VALUES
    (1, 1, 'plain', 'ASCII'),
    (1, 2, 'Ã©tÃ© Ã  la plage', NULL),
    (1, 3, 'sound: “café”', 'âœ… done, ‚úÖ done'),
    (2, 2, E'Latin-1: caf\u00c3\u00a9 \u00e2\u0080\u0094 th\u00c3\u00a9', 'twice: ÃƒÂ©, three times: ÃƒÆ’Ã‚Â©'),
    (2, 3, 'Ã la carte', '“LÃ” de merino');
