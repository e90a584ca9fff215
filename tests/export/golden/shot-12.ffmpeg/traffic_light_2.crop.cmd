0 crop@c x 297, crop@c y 6, drawbox@away enable 0;
0.025025 crop@c x 298, crop@c y 6;
0.058392 crop@c x 298, crop@c y 7;
0.091758 drawbox@away enable 1;
