// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {MockToken3009} from "../mocks/MockToken3009.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @notice What can be called. A call whose outcome hangs on an argument is two.
enum Call {
    CREATE, // createOrder
    PAY, // payOrder
    PAY_3009, // payOrderWithAuthorization
    CREATE_AND_PAY, // createAndPayOrder
    CREATE_AND_PAY_3009, // createAndPayOrderWithAuthorization
    APPROVE, // approveOrder
    DELIVER, // deliverOrder
    RELEASE, // releaseOrder
    DISPUTE, // disputeOrder
    RESOLVE_NOTHING, // resolveDispute with providerPart 0
    RESOLVE_PART, // with more
    REJECT, // rejectOrder
    EXPIRE, // expireOrder, and expireOrders for each of its orders
    CLAIM,
    CLAIM_FOR, // for the Requester
    SWEEP, // sweepFees
    PUSH,
    SET_TOKEN,
    SET_TREASURY,
    TRANSFER_OWNERSHIP,
    ACCEPT_OWNERSHIP,
    RENOUNCE_OWNERSHIP
}

enum When {
    ANY_TIME,
    IN_TIME, // now <= deadline of the phase
    OVERDUE // now > deadline of the phase
}

enum Moves {
    NONE,
    PRICE_IN,
    SETTLED, // fee accrued, commission credited, remainder to the Provider
    SPLIT, // the same of the Provider's part, the rest to the Requester
    REFUNDED,
    CREDIT, // what the caller may claim
    CREDIT_OF_REQUESTER, // to itself
    FEES, // to the treasury
    PUSHED
}

/// @notice One row of the protocol's table.
struct Row {
    Call call;
    uint256 terms; // what the signed terms must have
    uint256 from; // phases
    uint256 who; // roles
    When when;
    uint256 needs; // flag, approval, consents
    uint256 to; // a phase, 0 if it stays; the flags that are set
    Moves money;
}

/// @notice A call, and the situation that it meets.
struct Case {
    Call call;
    Order order;
    bytes32 id;
    Phase phase;
    bool approved;
    bool disputed;
    uint256 since; // when the phase began, unix seconds
    address caller;
    uint256 roles; // of the caller: those that the order does not give it
    uint256 given; // consents that the call carries
}

struct Outcome {
    bytes failure; // empty: the call succeeds
    Phase phase;
    bool approved;
    bool disputed;
    Moves money;
}

When constant ANY_TIME = When.ANY_TIME;
When constant IN_TIME = When.IN_TIME;
When constant OVERDUE = When.OVERDUE;

// Phases and flags.
uint256 constant NONE = 1 << uint256(Phase.NONE);
uint256 constant NEGOTIATION = 1 << uint256(Phase.NEGOTIATION);
uint256 constant LOCK = 1 << uint256(Phase.LOCK);
uint256 constant DELIVER = 1 << uint256(Phase.DELIVER);
uint256 constant DISPUTE = 1 << uint256(Phase.DISPUTE);
uint256 constant CLEAR = 1 << uint256(Phase.CLEAR);
uint256 constant REJECTED = 1 << uint256(Phase.REJECTED);
uint256 constant EXPIRED = 1 << uint256(Phase.EXPIRED);
uint256 constant FUNDED = LOCK | DELIVER | DISPUTE;
uint256 constant ALL = 255;
uint256 constant APPROVED = 256;
uint256 constant DISPUTED = 512;
uint256 constant STAYS = 0;

// Terms.
uint256 constant ANY_TERMS = 0;
uint256 constant HAS_APPROVER = 1;
uint256 constant HAS_ARBITER = 2; // and with it a review
uint256 constant NO_REVIEW = 4;

// Roles.
uint256 constant NOBODY = 0;
uint256 constant ANYONE = 1;
uint256 constant REQUESTER = 2;
uint256 constant PROVIDER = 4;
uint256 constant PARTY = REQUESTER | PROVIDER;
uint256 constant ARBITER = 8;
uint256 constant APPROVER = 16;
uint256 constant WAITING_APPROVER = 32; // until it has approved
uint256 constant OWNER = 64;
uint256 constant PENDING_OWNER = 128;
uint256 constant CREDITED = 256; // has something to claim
uint256 constant VAULT = 512;

// Needs.
uint256 constant NOTHING = 0;
uint256 constant FLAG = 1; // disputed
uint256 constant NO_FLAG = 2;
uint256 constant APPROVAL = 4; // where the terms name an Approver
uint256 constant NO_APPROVAL = 8;
uint256 constant BY_REQUESTER = 16; // its signature, unless it calls
uint256 constant BY_PROVIDER = 32;
uint256 constant BY_BOTH = BY_REQUESTER | BY_PROVIDER;
uint256 constant BY_3009 = 64; // the Requester's authorization

/// @title The protocol's table as data, and what it makes of a call
/// @dev Written after the protocol's description, not after the vault. A call gets as far as the best of its rows lets it, in the order
/// terms, phase, caller, deadline, flag and approval, signatures, token.
library ProtocolTable {
    uint256 private constant RESOLVE_WINDOW = 30 days;

    function rows() internal pure returns (Row[] memory t) {
        t = new Row[](33);
        uint256 n;
        t[n++] = Row(Call.CREATE, ANY_TERMS, NONE, ANYONE, IN_TIME, BY_BOTH, NEGOTIATION, Moves.NONE);
        t[n++] = Row(Call.PAY, ANY_TERMS, NEGOTIATION, REQUESTER, IN_TIME, NOTHING, LOCK, Moves.PRICE_IN);
        t[n++] = Row(Call.PAY_3009, ANY_TERMS, NEGOTIATION, ANYONE, IN_TIME, BY_3009, LOCK, Moves.PRICE_IN);
        t[n++] = Row(Call.CREATE_AND_PAY, ANY_TERMS, NONE, REQUESTER, IN_TIME, BY_PROVIDER, LOCK, Moves.PRICE_IN);
        t[n++] = Row(Call.CREATE_AND_PAY, ANY_TERMS, NEGOTIATION, REQUESTER, IN_TIME, NOTHING, LOCK, Moves.PRICE_IN);
        t[n++] = Row(
            Call.CREATE_AND_PAY_3009, ANY_TERMS, NONE, ANYONE, IN_TIME, BY_PROVIDER | BY_3009, LOCK, Moves.PRICE_IN
        );
        t[n++] = Row(Call.CREATE_AND_PAY_3009, ANY_TERMS, NEGOTIATION, ANYONE, IN_TIME, BY_3009, LOCK, Moves.PRICE_IN);
        t[n++] =
            Row(Call.APPROVE, HAS_APPROVER, NEGOTIATION | LOCK, APPROVER, ANY_TIME, NO_APPROVAL, APPROVED, Moves.NONE);
        t[n++] = Row(Call.DELIVER, NO_REVIEW, LOCK, PROVIDER, IN_TIME, APPROVAL, CLEAR, Moves.SETTLED);
        t[n++] = Row(Call.DELIVER, HAS_ARBITER, LOCK, PROVIDER, IN_TIME, APPROVAL, DELIVER, Moves.NONE);
        t[n++] = Row(Call.RELEASE, HAS_ARBITER, LOCK, REQUESTER, ANY_TIME, APPROVAL, CLEAR, Moves.SETTLED);
        t[n++] = Row(Call.RELEASE, HAS_ARBITER, DELIVER | DISPUTE, REQUESTER, ANY_TIME, NOTHING, CLEAR, Moves.SETTLED);
        t[n++] = Row(Call.RELEASE, HAS_ARBITER, DELIVER | DISPUTE, ANYONE, OVERDUE, NOTHING, CLEAR, Moves.SETTLED);
        t[n++] = Row(Call.DISPUTE, HAS_ARBITER, LOCK, PARTY, IN_TIME, NO_FLAG, DISPUTED, Moves.NONE);
        t[n++] = Row(Call.DISPUTE, HAS_ARBITER, DELIVER, REQUESTER, IN_TIME, NOTHING, DISPUTE | DISPUTED, Moves.NONE);
        t[n++] = Row(Call.RESOLVE_NOTHING, HAS_ARBITER, FUNDED, ARBITER, IN_TIME, FLAG, REJECTED, Moves.REFUNDED);
        t[n++] = Row(Call.RESOLVE_PART, HAS_ARBITER, LOCK, ARBITER, IN_TIME, FLAG | APPROVAL, CLEAR, Moves.SPLIT);
        t[n++] = Row(Call.RESOLVE_PART, HAS_ARBITER, DELIVER | DISPUTE, ARBITER, IN_TIME, FLAG, CLEAR, Moves.SPLIT);
        t[n++] = Row(Call.REJECT, ANY_TERMS, NONE, PARTY, ANY_TIME, NOTHING, REJECTED, Moves.NONE);
        t[n++] =
            Row(Call.REJECT, ANY_TERMS, NEGOTIATION, PARTY | WAITING_APPROVER, ANY_TIME, NOTHING, REJECTED, Moves.NONE);
        t[n++] =
            Row(Call.REJECT, ANY_TERMS, LOCK, PROVIDER | WAITING_APPROVER, ANY_TIME, NOTHING, REJECTED, Moves.REFUNDED);
        t[n++] = Row(Call.REJECT, ANY_TERMS, DELIVER | DISPUTE, PROVIDER, ANY_TIME, NOTHING, REJECTED, Moves.REFUNDED);
        t[n++] = Row(Call.EXPIRE, ANY_TERMS, NEGOTIATION, ANYONE, OVERDUE, NOTHING, EXPIRED, Moves.NONE);
        t[n++] = Row(Call.EXPIRE, ANY_TERMS, LOCK, ANYONE, OVERDUE, NOTHING, EXPIRED, Moves.REFUNDED);
        t[n++] = Row(Call.CLAIM, ANY_TERMS, ALL, CREDITED, ANY_TIME, NOTHING, STAYS, Moves.CREDIT);
        t[n++] = Row(Call.CLAIM_FOR, ANY_TERMS, ALL, ANYONE, ANY_TIME, NOTHING, STAYS, Moves.CREDIT_OF_REQUESTER);
        t[n++] = Row(Call.SWEEP, ANY_TERMS, ALL, ANYONE, ANY_TIME, NOTHING, STAYS, Moves.FEES);
        t[n++] = Row(Call.PUSH, ANY_TERMS, ALL, VAULT, ANY_TIME, NOTHING, STAYS, Moves.PUSHED);
        t[n++] = Row(Call.SET_TOKEN, ANY_TERMS, ALL, OWNER, ANY_TIME, NOTHING, STAYS, Moves.NONE);
        t[n++] = Row(Call.SET_TREASURY, ANY_TERMS, ALL, OWNER, ANY_TIME, NOTHING, STAYS, Moves.NONE);
        t[n++] = Row(Call.TRANSFER_OWNERSHIP, ANY_TERMS, ALL, OWNER, ANY_TIME, NOTHING, STAYS, Moves.NONE);
        t[n++] = Row(Call.ACCEPT_OWNERSHIP, ANY_TERMS, ALL, PENDING_OWNER, ANY_TIME, NOTHING, STAYS, Moves.NONE);
        t[n++] = Row(Call.RENOUNCE_OWNERSHIP, ANY_TERMS, ALL, NOBODY, ANY_TIME, NOTHING, STAYS, Moves.NONE);
    }

    /// @dev The last second in which the parties' next step is valid; 0 where there is none.
    function deadline(Order memory order, Phase phase, uint256 since) internal pure returns (uint256) {
        if (phase == Phase.NONE || phase == Phase.NEGOTIATION) return order.payDeadline;
        if (phase == Phase.LOCK) return since + order.slaSeconds;
        if (phase == Phase.DELIVER) return since + order.reviewSeconds;
        return phase == Phase.DISPUTE ? since + RESOLVE_WINDOW : 0;
    }

    /// @dev What the table makes of a call, now. `t` are the rows.
    function outcome(Row[] memory t, Case memory c) internal view returns (Outcome memory o) {
        uint256 last = deadline(c.order, c.phase, c.since);
        uint256 roles = c.roles | rolesIn(c.order, c.approved, c.caller);
        uint256 has = (c.order.approver != address(0) ? HAS_APPROVER : 0)
            | (c.order.arbiter != address(0) ? HAS_ARBITER : NO_REVIEW);
        uint256 best;
        bytes memory unmet;
        for (uint256 i; i < t.length; ++i) {
            Row memory row = t[i];
            if (row.call != c.call) continue;
            uint256 passed = 1;
            if (row.terms & ~has == 0) passed = 2;
            if (passed == 2 && row.from & (1 << uint256(c.phase)) != 0) passed = 3;
            if (passed == 3 && row.who & roles != 0) passed = 4;
            if (passed == 4 && (row.when == ANY_TIME || (row.when == OVERDUE) == (block.timestamp > last))) passed = 5;
            if (passed == 5) {
                unmet = _unmet(row.needs, c);
                if (unmet.length == 0) return _success(row, c);
            }
            if (passed <= best) continue;
            best = passed;
            if (passed == 1) o.failure = abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, _missing(row));
            if (passed == 2) o.failure = abi.encodeWithSelector(ICAPVault.WrongPhase.selector, c.id, c.phase);
            if (passed == 3) o.failure = _refusal(c);
            if (passed == 4) {
                o.failure = abi.encodeWithSelector(
                    row.when == OVERDUE ? ICAPVault.TooEarly.selector : ICAPVault.TooLate.selector, last
                );
            }
            if (passed == 5) o.failure = unmet;
        }
        (o.phase, o.approved, o.disputed) = (c.phase, c.approved, c.disputed);
    }

    /// @dev The roles that an order gives to `account`.
    function rolesIn(Order memory order, bool approved, address account) internal pure returns (uint256 roles) {
        roles = ANYONE;
        if (account == order.requester) roles |= REQUESTER;
        if (account == order.provider) roles |= PROVIDER;
        if (account == order.arbiter) roles |= ARBITER;
        if (account == order.approver) roles |= approved ? APPROVER : APPROVER | WAITING_APPROVER;
    }

    function _success(Row memory row, Case memory c) private pure returns (Outcome memory o) {
        o.phase = c.phase;
        for (uint256 p; p <= uint256(type(Phase).max); ++p) {
            if (row.to & (1 << p) != 0) o.phase = Phase(p);
        }
        o.approved = c.approved || row.to & APPROVED != 0;
        o.disputed = c.disputed || row.to & DISPUTED != 0;
        o.money = row.money;
    }

    /// @dev The first need that is not met, as the error that says so.
    function _unmet(uint256 needs, Case memory c) private pure returns (bytes memory) {
        if (needs & FLAG != 0 && !c.disputed) return abi.encodePacked(ICAPVault.NotDisputed.selector);
        if (needs & NO_FLAG != 0 && c.disputed) return abi.encodePacked(ICAPVault.AlreadyDisputed.selector);
        if (needs & NO_APPROVAL != 0 && c.approved) return abi.encodePacked(ICAPVault.AlreadyApproved.selector);
        if (needs & APPROVAL != 0 && c.order.approver != address(0) && !c.approved) {
            return abi.encodePacked(ICAPVault.NotApproved.selector);
        }
        uint256 missing = needs & ~c.given;
        if (missing & BY_REQUESTER != 0 && c.caller != c.order.requester) {
            return abi.encodeWithSelector(ICAPVault.BadSignature.selector, c.order.requester);
        }
        if (missing & BY_PROVIDER != 0 && c.caller != c.order.provider) {
            return abi.encodeWithSelector(ICAPVault.BadSignature.selector, c.order.provider);
        }
        if (missing & BY_3009 != 0) return abi.encodePacked(MockToken3009.InvalidSignature.selector);
        return "";
    }

    /// @dev The member of the terms that would provide for the call.
    function _missing(Row memory row) private pure returns (string memory) {
        if (row.call == Call.RELEASE) return "reviewSeconds";
        return row.terms == HAS_APPROVER ? "approver" : "arbiter";
    }

    function _refusal(Case memory c) private pure returns (bytes memory) {
        if (c.call == Call.RENOUNCE_OWNERSHIP) return abi.encodePacked(ICAPVault.CannotRenounce.selector);
        if (c.call == Call.CLAIM) {
            return abi.encodeWithSelector(ICAPVault.NothingToClaim.selector, c.order.token, c.caller);
        }
        if (c.call == Call.PUSH || c.call < Call.CLAIM) {
            return abi.encodeWithSelector(ICAPVault.Unauthorized.selector, c.caller);
        }
        return abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, c.caller);
    }
}
