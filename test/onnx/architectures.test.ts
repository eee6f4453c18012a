import { architecturesAgree } from './architectures';

architecturesAgree();
