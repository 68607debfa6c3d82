<?php

/* Laravel 12's words for the rules that are used here. */
return [
    'boolean' => 'The :attribute field must be true or false.',
    'in' => 'The selected :attribute is invalid.',
    'max' => ['string' => 'The :attribute field must not be greater than :max characters.'],
    'regex' => 'The :attribute field format is invalid.',
    'required' => 'The :attribute field is required.',
    'string' => 'The :attribute field must be a string.',
];
