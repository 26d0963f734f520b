// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";
import {IVault} from "../../CAPVault/IVault.sol";
import {Behaviour, MockToken} from "../../mocks/MockToken.sol";
import {MockWallet} from "../../mocks/MockWallet.sol";
import {Test} from "../../Test.sol";
import {Vm} from "../../Vm.sol";
import {OrderStore} from "../stores/OrderStore.sol";

/// @notice Calls the vault as anybody might, knows beforehand whether each call must succeed, and checks after each call
/// that exactly the accounts concerned gained or lost exactly the amounts concerned.
contract VaultHandler is Test, OrderStore {
    /// @dev An expected failure whose reason is the token's affair.
    bytes4 private constant ANY = 0xffffffff;
    /// @dev Enough for every call, finite for tokens that burn all they get.
    uint256 private constant GAS = 3_000_000;

    IVault public immutable vault;
    address public immutable owner;
    uint256 public constant TOKENS = 2;
    MockToken[TOKENS] public tokens;
    uint256 private constant WALLET = 3;
    uint256 private constant PARTIES = 4;
    uint256 public constant ACTORS = 6;
    uint256[3] private keys = [0xA1, 0xA2, 0xA3];
    /// @dev Three EOAs with the keys above, one ERC-1271 wallet, two treasuries.
    address[ACTORS] public actors;

    mapping(address token => mapping(address account => uint256 amount)) private _balanceBefore;

    /// @dev What a step may change of balances: one account loses, one gains.
    struct Change {
        address token;
        address payer;
        uint256 paid;
        address payee;
        uint256 received;
    }

    constructor(IVault vault_, address owner_) {
        (vault, owner) = (vault_, owner_);
        for (uint256 i; i < keys.length; ++i) {
            actors[i] = vm.addr(keys[i]);
        }
        actors[WALLET] = address(new MockWallet());
        actors[4] = vm.addr(0xB1);
        actors[5] = vm.addr(0xB2);
        for (uint256 i; i < TOKENS; ++i) {
            tokens[i] = new MockToken();
        }
    }

    /* ORDER STEPS */

    /// @param consent 0: the Requester calls; 1: the Provider calls; 2 to 11: anyone with both signatures; then without a
    /// consent: 12: none of the Requester, 13: none of the Provider, 14: another key's, 15: of another order.
    function createOrder(Order memory order, uint256 who, uint256 tokenSeed, uint256 consent) external {
        order = _validOrder(order, who, tokenSeed);
        bytes32 id = vault.hashOrder(order);
        consent %= 16;
        bytes memory requesterSig = consent == 12 ? bytes("") : _sign(order.requester, id);
        bytes memory providerSig = consent == 13 ? bytes("") : _sign(order.provider, id);
        if (consent == 14) requesterSig = _signWith(0xBAD, id);
        if (consent == 15) providerSig = _sign(order.provider, ~id);
        if (consent >= 12 && order.requester == actors[WALLET]) MockWallet(actors[WALLET]).withdrawHash(id);
        if (consent >= 12 && order.provider == actors[WALLET]) MockWallet(actors[WALLET]).withdrawHash(id);

        bytes4 expected;
        (bool enabled, uint16 minFeeBps,) = vault.tokenConfig(order.token);
        if (_indexPlusOne[id] != 0) expected = ICAPVault.WrongPhase.selector;
        else if (consent >= 12) expected = ICAPVault.BadSignature.selector;
        else if (!enabled) expected = ICAPVault.TokenDisabled.selector;
        else if (order.feeBps < minFeeBps) expected = ICAPVault.FeeOutOfRange.selector;

        address caller = consent == 0 ? order.requester : consent == 1 ? order.provider : actors[4];
        Change memory nothing;
        bytes memory data = abi.encodeCall(
            ICAPVault.createOrder,
            (order, consent == 0 ? bytes("") : requesterSig, consent == 1 ? bytes("") : providerSig)
        );
        if (_step(caller, data, expected, GAS, nothing)) {
            Entry storage entry = _entries.push();
            (entry.order, entry.id) = (order, id);
            _indexPlusOne[id] = _entries.length;
            _move(entry, Phase.NEGOTIATION, vm.getBlockTimestamp());
        } else if (consent >= 12) {
            _refused.push(id);
        }
    }

    /// @notice createOrder and payOrder in one, or most sequences would see too few orders paid.
    function openOrder(Order memory order, uint256 who, uint256 tokenSeed) external {
        this.createOrder(order, who, tokenSeed, 2);
        if (_entries.length != 0) this.payOrder(_entries.length - 1, 1);
    }

    function payOrder(uint256 orderSeed, uint256 callerSeed) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, Phase.NEGOTIATION);
        Order memory order = entry.order;
        address caller = _mostly(order.requester, callerSeed);
        MockToken token = MockToken(order.token);
        // Whoever calls, the Requester's money lies ready.
        token.mint(order.requester, order.amount);
        vm.prank(order.requester);
        token.approve(address(vault), order.amount);

        bytes4 expected;
        if (entry.phase != Phase.NEGOTIATION) expected = ICAPVault.WrongPhase.selector;
        else if (caller != order.requester) expected = ICAPVault.Unauthorized.selector;
        else if (vm.getBlockTimestamp() > order.payDeadline) expected = ICAPVault.TooLate.selector;
        else if (!_deposits(token, order.requester)) expected = ANY;

        Change memory change =
            Change({token: order.token, payer: order.requester, paid: order.amount, payee: address(0), received: 0});
        if (_step(caller, abi.encodeCall(ICAPVault.payOrder, (order)), expected, GAS, change)) {
            _move(entry, Phase.LOCK, vm.getBlockTimestamp());
            entry.paid += order.amount;
        }
    }

    function deliverOrder(uint256 orderSeed, uint256 callerSeed, bytes32 deliverableHash, uint256 gasLimit) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pickMostly(orderSeed, Phase.LOCK);
        Order memory order = entry.order;
        address caller = _mostly(order.provider, callerSeed);

        bytes4 expected;
        if (bytes25(deliverableHash) == 0) expected = ICAPVault.InvalidTerms.selector;
        else if (entry.phase != Phase.LOCK) expected = ICAPVault.WrongPhase.selector;
        else if (caller != order.provider) expected = ICAPVault.Unauthorized.selector;
        else if (vm.getBlockTimestamp() > entry.since + order.slaSeconds) expected = ICAPVault.TooLate.selector;

        uint256 fee = uint256(order.amount) * order.feeBps / 10_000;
        uint256 toProvider = order.amount - fee;
        bytes memory data = abi.encodeCall(ICAPVault.deliverOrder, (order, deliverableHash));
        if (_step(caller, data, expected, _mostlyEnough(gasLimit), _payout(order.token, order.provider, toProvider))) {
            _move(entry, Phase.CLEAR, vm.getBlockTimestamp());
            entry.deliverableHash = deliverableHash;
            accrued[order.token] += fee;
            _paidOut(order.token, order.provider, toProvider);
        }
    }

    function rejectOrder(uint256 orderSeed, uint256 callerSeed, bytes32 reasonHash, uint256 gasLimit) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pick(orderSeed);
        Order memory order = entry.order;
        address caller = _mostly(callerSeed & 1 == 0 ? order.provider : order.requester, callerSeed >> 1);

        bytes4 expected;
        bool paid = entry.phase == Phase.LOCK;
        if (entry.phase != Phase.NEGOTIATION && !paid) {
            expected = ICAPVault.WrongPhase.selector;
        } else if (caller != order.provider && (paid || caller != order.requester)) {
            expected = ICAPVault.Unauthorized.selector;
        }

        bytes memory data = abi.encodeCall(ICAPVault.rejectOrder, (order, reasonHash));
        _refund(entry, caller, data, expected, gasLimit, Phase.REJECTED);
    }

    function expireOrder(uint256 orderSeed, uint256 callerSeed, uint256 gasLimit) external {
        if (_entries.length == 0) return;
        Entry storage entry = _pick(orderSeed);
        Order memory order = entry.order;

        bytes4 expected;
        bool paid = entry.phase == Phase.LOCK;
        uint256 deadline = paid ? entry.since + order.slaSeconds : order.payDeadline;
        if (entry.phase != Phase.NEGOTIATION && !paid) expected = ICAPVault.WrongPhase.selector;
        else if (vm.getBlockTimestamp() <= deadline) expected = ICAPVault.TooEarly.selector;

        bytes memory data = abi.encodeCall(ICAPVault.expireOrder, (order));
        _refund(entry, _actor(callerSeed), data, expected, gasLimit, Phase.EXPIRED);
    }

    /* MONEY */

    function claim(uint256 tokenSeed, uint256 accountSeed, uint256 toSeed) external {
        MockToken token = _token(tokenSeed);
        (address account, address to) = (_creditor(token, accountSeed), _actor(toSeed));
        uint256 amount = credit[address(token)][account];
        bytes4 expected;
        if (amount == 0) expected = ICAPVault.NothingToClaim.selector;
        else if (!_pays(token, to)) expected = ANY;
        bytes memory data = abi.encodeCall(ICAPVault.claim, (address(token), to));
        if (_step(account, data, expected, GAS, _payout(address(token), to, amount))) {
            credit[address(token)][account] = 0;
            _lied(token, amount);
        }
    }

    function sweepFees(uint256 tokenSeed, uint256 callerSeed) external {
        MockToken token = _token(tokenSeed);
        uint256 amount = accrued[address(token)];
        address treasury = vault.treasury();
        bytes4 expected = amount == 0 || _pays(token, treasury) ? bytes4(0) : ANY;
        bytes memory data = abi.encodeCall(ICAPVault.sweepFees, (address(token)));
        if (_step(_actor(callerSeed), data, expected, GAS, _payout(address(token), treasury, amount))) {
            accrued[address(token)] = 0;
            _lied(token, amount);
        }
    }

    /* THE WORLD */

    /// @notice What else happens, of which a sequence needs less than of steps.
    function disturb(uint256 what, uint256 tokenSeed, uint256 seed, uint256 other) external {
        MockToken token = _token(tokenSeed);
        what %= 7;
        if (what == 0) _ownerActs(token, seed, other);
        else if (what == 1) _push(token, seed, other);
        else if (what == 2) _donate(token, uint120(seed));
        else if (what == 3) token.setDenied(_actor(seed), other % 2 == 0);
        else if (what == 4) _setReentry(token, seed, other);
        else _setBehaviour(token, seed);
    }

    function _ownerActs(MockToken token, uint256 seed, uint256 other) private {
        vm.prank(owner);
        vault.setToken(address(token), seed % 4 != 0, uint16(other % 20));
        vm.prank(owner);
        vault.setTreasury(actors[other % 2 == 0 ? 4 : 5]);
    }

    function _push(MockToken token, uint256 callerSeed, uint256 amount) private {
        address caller = _actor(callerSeed);
        Change memory nothing;
        bytes memory data = abi.encodeCall(IVault.push, (address(token), caller, amount));
        _step(caller, data, ICAPVault.Unauthorized.selector, GAS, nothing);
    }

    function _donate(MockToken token, uint120 amount) private {
        token.mint(address(vault), amount);
        surplus[address(token)] += amount;
    }

    /// @dev Half of the time the token behaves again, so that orders get somewhere.
    function _setBehaviour(MockToken token, uint256 seed) private {
        Behaviour next = seed % 2 == 0 ? Behaviour.HONEST : Behaviour((seed >> 1) % uint256(Behaviour.REENTERS));
        if (next == Behaviour.COSTS_GAS) token.charge(150_000);
        else token.setBehaviour(next);
    }

    /// @dev From now on the token makes one of these calls on every transfer.
    function _setReentry(MockToken token, uint256 orderSeed, uint256 which) private {
        if (_entries.length == 0) return;
        Order memory order = _pick(orderSeed).order;
        bytes[8] memory calls = [
            abi.encodeCall(ICAPVault.createOrder, (order, "", "")),
            abi.encodeCall(ICAPVault.payOrder, (order)),
            abi.encodeCall(ICAPVault.deliverOrder, (order, keccak256("again"))),
            abi.encodeCall(ICAPVault.rejectOrder, (order, 0)),
            abi.encodeCall(ICAPVault.expireOrder, (order)),
            abi.encodeCall(ICAPVault.claim, (address(token), actors[0])),
            abi.encodeCall(ICAPVault.sweepFees, (address(token))),
            abi.encodeCall(IVault.push, (address(token), actors[0], 1))
        ];
        token.reenter(address(vault), calls[which % 8]);
    }

    /// @param how 0, 1: some time passes; 2, 3: to the last second of an order's deadline; 4: to the second after.
    function warp(uint256 orderSeed, uint256 how, uint256 elapsed) external {
        uint256 now_ = vm.getBlockTimestamp();
        how = bound(how, 0, 4);
        if (how < 2 || _entries.length == 0) {
            vm.warp(now_ + bound(elapsed, 1, 6 hours));
            return;
        }
        Entry storage entry = _pick(orderSeed);
        uint256 deadline = entry.phase == Phase.LOCK ? entry.since + entry.order.slaSeconds : entry.order.payDeadline;
        if (how == 4) ++deadline;
        if (deadline > now_) vm.warp(deadline);
    }

    /// @notice Ends every order and empties the vault, as anyone could: tokens behave, deadlines pass.
    function endAll() external {
        for (uint256 i; i < TOKENS; ++i) {
            tokens[i].setBehaviour(Behaviour.HONEST);
            for (uint256 a; a < ACTORS; ++a) {
                tokens[i].setDenied(actors[a], false);
            }
        }
        vm.warp(vm.getBlockTimestamp() + 400 days);
        for (uint256 i; i < _entries.length; ++i) {
            Phase phase = _entries[i].phase;
            if (phase != Phase.NEGOTIATION && phase != Phase.LOCK) continue;
            this.expireOrder(i, 4, GAS);
        }
        for (uint256 i; i < TOKENS; ++i) {
            this.sweepFees(i, 4);
            for (uint256 a; a < ACTORS; ++a) {
                this.claim(i, a, a);
            }
        }
    }

    /* ONE STEP */

    /// @dev Makes the call, and checks its outcome, the balances, the logs and what a re-entering token got.
    function _step(address caller, bytes memory data, bytes4 expected, uint256 gasLimit, Change memory change)
        private
        returns (bool ok)
    {
        for (uint256 t; t < TOKENS; ++t) {
            for (uint256 a; a < ACTORS; ++a) {
                _balanceBefore[address(tokens[t])][actors[a]] = tokens[t].balanceOf(actors[a]);
            }
        }
        vm.recordLogs();
        vm.prank(caller);
        bytes memory reason;
        (ok, reason) = address(vault).call{gas: gasLimit}(data);
        // With less gas than needed a call may fail, but it may do nothing else than without the limit.
        if (ok || gasLimit == GAS) vm.assertEq(ok, expected == 0, "whether the step succeeds");
        if (!ok && expected != 0 && expected != ANY && gasLimit == GAS) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(expected), "why it fails");
        }
        for (uint256 t; t < TOKENS; ++t) {
            for (uint256 a; a < ACTORS; ++a) {
                (address token, address actor) = (address(tokens[t]), actors[a]);
                uint256 balance = _balanceBefore[token][actor];
                if (ok && token == change.token && actor == change.payer) balance -= change.paid;
                if (ok && token == change.token && actor == change.payee) balance += change.received;
                vm.assertEq(MockToken(token).balanceOf(actor), balance, "a balance");
            }
            vm.assertNotEq(keccak256(tokens[t].reentryResult()), keccak256("succeeded"), "re-entered");
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (ok) _read(logs); // a failed call leaves its undone logs there too
    }

    function _read(Vm.Log[] memory logs) private {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(vault)) continue;
            bytes32 topic = logs[i].topics[0];
            if (topic == ICAPVault.OrderDelivered.selector) {
                ++_byId(logs[i].topics[1]).deliveries;
            } else if (topic == ICAPVault.OrderCleared.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                (uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission) =
                    abi.decode(logs[i].data, (uint256, uint256, uint256, uint256));
                entry.toProvider += toProvider;
                entry.toRequester += toRequester;
                entry.fee += fee;
                entry.commission += commission;
            } else if (topic == ICAPVault.OrderRejected.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                (, uint256 refund) = abi.decode(logs[i].data, (bytes32, uint256));
                entry.toRequester += refund;
            } else if (topic == ICAPVault.OrderExpired.selector) {
                Entry storage entry = _byId(logs[i].topics[1]);
                ++entry.endings;
                entry.toRequester += abi.decode(logs[i].data, (uint256));
            }
        }
    }

    function _refund(
        Entry storage entry,
        address caller,
        bytes memory data,
        bytes4 expected,
        uint256 gasLimit,
        Phase end
    ) private {
        (address token, address to) = (entry.order.token, entry.order.requester);
        uint256 amount = entry.phase == Phase.LOCK ? entry.order.amount : 0;
        if (_step(caller, data, expected, _mostlyEnough(gasLimit), _payout(token, to, amount))) {
            _move(entry, end, vm.getBlockTimestamp());
            _paidOut(token, to, amount);
        }
    }

    /* WHAT TOKENS DO */

    function _deposits(MockToken token, address from) private view returns (bool) {
        Behaviour behaviour = token.behaviour();
        return !token.denied(from)
            && (behaviour == Behaviour.HONEST
                || behaviour == Behaviour.RETURNS_NOTHING
                || behaviour == Behaviour.COSTS_GAS
                || behaviour == Behaviour.REENTERS);
    }

    /// @dev Whether a transfer counts as done; of those that do, two kinds give the payee less.
    function _pays(MockToken token, address to) private view returns (bool) {
        Behaviour behaviour = token.behaviour();
        return !token.denied(to)
            && (behaviour == Behaviour.HONEST
                || behaviour == Behaviour.RETURNS_NOTHING
                || behaviour == Behaviour.COSTS_GAS
                || behaviour == Behaviour.REENTERS
                || behaviour == Behaviour.LIES
                || behaviour == Behaviour.TAKES_FEE);
    }

    function _payout(address token, address to, uint256 amount) private view returns (Change memory) {
        uint256 received = _pays(MockToken(token), to) ? amount : 0;
        Behaviour behaviour = MockToken(token).behaviour();
        if (behaviour == Behaviour.LIES) received = 0;
        if (behaviour == Behaviour.TAKES_FEE) received -= (received + 99) / 100;
        return Change({token: token, payer: address(0), paid: 0, payee: to, received: received});
    }

    /// @dev A push has been made, or has become a credit.
    function _paidOut(address token, address to, uint256 amount) private {
        if (_pays(MockToken(token), to)) _lied(MockToken(token), amount);
        else credit[token][to] += amount;
    }

    function _lied(MockToken token, uint256 amount) private {
        if (token.behaviour() == Behaviour.LIES) surplus[address(token)] += amount;
    }

    /* CHOICES */

    function _validOrder(Order memory order, uint256 who, uint256 tokenSeed) private view returns (Order memory) {
        uint256 first = bound(who, 0, PARTIES - 1);
        uint256 second = (first + 1 + (who >> 128) % (PARTIES - 1)) % PARTIES;
        (order.requester, order.provider) = (actors[first], actors[second]);
        order.token = address(_token(tokenSeed));
        (order.arbiter, order.approver, order.commissionTo) = (address(0), address(0), address(0));
        (order.commissionBps, order.reviewSeconds) = (0, 0);
        order.amount = uint120(bound(order.amount, 1, type(uint120).max));
        order.feeBps = uint16(bound(order.feeBps, 0, 1000));
        uint256 now_ = vm.getBlockTimestamp();
        order.payDeadline = uint40(bound(order.payDeadline, now_, now_ + 30 days));
        order.slaSeconds = uint32(bound(order.slaSeconds, 300, 365 days));
        return order;
    }

    function _sign(address party, bytes32 id) private returns (bytes memory) {
        for (uint256 i; i < keys.length; ++i) {
            if (actors[i] == party) return _signWith(keys[i], id);
        }
        MockWallet(party).approveHash(id);
        return "";
    }

    function _signWith(uint256 key, bytes32 id) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, id);
        return abi.encodePacked(r, s, v);
    }

    function _pick(uint256 seed) private view returns (Entry storage) {
        return _entries[bound(seed, 0, _entries.length - 1)];
    }

    /// @dev Three times of four the next order in `phase`, if there is one.
    function _pickMostly(uint256 seed, Phase phase) private view returns (Entry storage entry) {
        uint256 count = _entries.length;
        uint256 first = bound(seed, 0, count - 1);
        for (uint256 i; i < count && seed % 4 != 0; ++i) {
            entry = _entries[(first + i) % count];
            if (entry.phase == phase) return entry;
        }
        return _entries[first];
    }

    function _byId(bytes32 id) private view returns (Entry storage) {
        return _entries[_indexPlusOne[id] - 1];
    }

    function _token(uint256 seed) private view returns (MockToken) {
        return tokens[bound(seed, 0, TOKENS - 1)];
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[bound(seed, 0, ACTORS - 1)];
    }

    /// @dev The next actor with a credit, if there is one.
    function _creditor(MockToken token, uint256 seed) private view returns (address) {
        uint256 first = bound(seed, 0, ACTORS - 1);
        for (uint256 i; i < ACTORS; ++i) {
            address actor = actors[(first + i) % ACTORS];
            if (credit[address(token)][actor] != 0) return actor;
        }
        return actors[first];
    }

    function _mostly(address account, uint256 seed) private view returns (address) {
        return seed % 4 == 0 ? _actor(seed >> 2) : account;
    }

    /// @dev Three times of four all the gas; else a limit around what the call needs.
    function _mostlyEnough(uint256 seed) private pure returns (uint256) {
        return seed % 4 == 0 ? bound(seed, 30_000, 700_000) : GAS;
    }
}
