// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AgentAccount} from "../../../../contracts/account/AgentAccount.sol";
import {Step} from "../../../../contracts/interfaces/IAgentAccount.sol";
import {ICAPVault, Order, Phase} from "../../../../contracts/interfaces/ICAPVault.sol";
import {SandboxToken} from "../../../../contracts/sandbox/SandboxToken.sol";
import {AccountTest} from "../../AgentAccount/AccountTest.sol";

/// @notice A thief who holds the Executor's key of the account `requester`, and every key of the Provider that it buys from. It signs and sends whatever
/// it likes; the Owner funds the account and sets limits, and days pass.
contract ExecutorHandler is AccountTest {
    uint256 private constant ORDERS = 24;

    SandboxToken[2] public tokens;
    /// @notice What the Owner and refunds gave, less what left, as the orders' phases say it.
    mapping(SandboxToken token => uint256 amount) public given;
    /// @notice How much was debited by a payment for which the limits of that moment left no room; must stay 0.
    uint256 public beyondLimits;
    /// @notice Payments that went through, so that a run that never pays is seen.
    uint256 public payments;
    /// @notice Operations that the EntryPoint took.
    uint256 public operations;

    Order[] private _orders;
    mapping(bytes32 orderId => bool isPaid) private _paid;
    mapping(SandboxToken token => mapping(uint256 day => uint256 amount)) private _spent;

    constructor() {
        setUp();
        tokens = [usdc, eurc];
        for (uint64 i = 0; i < ORDERS; ++i) {
            Order memory order = newOrder(i);
            order.token = address(tokens[i % 2]);
            order.amount = uint120(10_000_000 * (1 + i / 2 % 6)); // 10 to 60
            order.payDeadline = uint40(START + 30 days);
            order.slaSeconds = 365 days;
            _orders.push(order);
        }
        for (uint256 t = 0; t < 2; ++t) {
            fund(t, 1_000_000_000);
            limit(t, 40_000_000, 100_000_000);
        }
        vm.deal(address(requester), 1 ether);
    }

    /* THE OWNER */

    function fund(uint256 t, uint256 amount) public {
        amount = bound(amount, 0, 1_000_000_000);
        vm.prank(platform);
        tokens[t % 2].mint(address(requester), amount);
        given[tokens[t % 2]] += amount;
    }

    function limit(uint256 t, uint80 perOrder, uint80 perDay) public {
        setLimits(
            requester,
            address(tokens[t % 2]),
            uint80(bound(perOrder, 0, 70_000_000)),
            uint80(bound(perDay, 0, 200_000_000))
        );
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 2 days));
    }

    /* THE THIEF */

    /// @dev Steps by the Executor's own address.
    function steps(uint256[5] calldata seeds, bytes32 noise) external {
        Step[] memory list = _anySteps(seeds, noise);
        vm.prank(vm.addr(REQUESTER_KEY));
        (bool success,) = address(requester).call(abi.encodeCall(AgentAccount.executeOrderSteps, (list)));
        _observe(success);
    }

    /// @dev An operation through the EntryPoint, sponsored, in any lane, of any function.
    function operation(uint256[5] calldata seeds, bytes32 noise, uint256 lane_, uint256 kind) external {
        bytes memory callData = abi.encodeCall(AgentAccount.executeOrderSteps, (_anySteps(seeds, noise)));
        if (kind % 8 == 0) callData = abi.encodeCall(AgentAccount.setExecutor, (stranger));
        if (kind % 8 == 1) callData = abi.encodeCall(AgentAccount.setLimits, (address(usdc), 1e18, 1e18));
        if (kind % 8 == 2) {
            callData = abi.encodeCall(
                AgentAccount.execute, (calls(address(usdc), 0, abi.encodeCall(IERC20.transfer, (stranger, 1))))
            );
        }
        PackedUserOperation memory op = newOp(requester, uint192(bound(lane_, 0, 66)), callData);
        op.accountGasLimits = pack(300_000, 3_000_000);
        if (kind % 7 != 0) {
            sponsor(op, uint48(vm.getBlockTimestamp() - 1), uint48(vm.getBlockTimestamp() + 600), SPONSOR_KEY);
        }
        signOp(op, REQUESTER_KEY);
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = op;
        vm.prank(bundler, bundler);
        try entryPoint.handleOps(ops, beneficiary) {
            ++operations;
        } catch {}
        _observe(true);
    }

    /// @dev Signatures that others bring to the token and the vault.
    function signature(uint256 seed, uint256 amount, bytes32 nonce) external {
        Order memory order = _orders[seed % ORDERS];
        SandboxToken token = SandboxToken(order.token);
        bytes32 hash = typedDataHash(
            _tokenDomain(token),
            keccak256(
                abi.encode(
                    keccak256(
                        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                    ),
                    address(requester),
                    stranger,
                    amount,
                    0,
                    type(uint256).max,
                    nonce
                )
            )
        );
        bytes[3] memory forged = [
            sign(REQUESTER_KEY, hash),
            abi.encode(order, sign(REQUESTER_KEY, hash)),
            abi.encode(order, sign(REQUESTER_KEY, requester.consentHash(hash)))
        ];
        for (uint256 i = 0; i < forged.length; ++i) {
            try token.transferWithAuthorization(
                address(requester), stranger, amount, 0, type(uint256).max, nonce, forged[i]
            ) {}
                catch {}
            try vault.payOrderWithAuthorization(order, forged[i]) {} catch {}
        }
        try vault.createOrder(
            order, consent(requester, REQUESTER_KEY, order), consent(provider, PROVIDER_KEY, order)
        ) {}
            catch {}
        _observe(true);
    }

    /// @dev The Provider keeps the money, or gives it back so that it can be spent again.
    function provide(uint256 seed, bool deliver) external {
        Order memory order = _orders[seed % ORDERS];
        Step[] memory list = deliver ? deliverSteps(order) : rejectSteps(order);
        vm.prank(vm.addr(PROVIDER_KEY));
        (bool success,) = address(provider).call(abi.encodeCall(AgentAccount.executeOrderSteps, (list)));
        if (success) _observe(true);
    }

    /* VIEWS */

    function account() external view returns (AgentAccount) {
        return requester;
    }

    function vaultAddress() external view returns (address) {
        return address(vault);
    }

    function deposit() external view returns (uint256) {
        return entryPoint.balanceOf(address(requester));
    }

    function outsider() external view returns (address) {
        return stranger;
    }

    function executorAddress() external pure returns (address) {
        return vm.addr(REQUESTER_KEY);
    }

    /// @notice What the account's orders hold, or have paid out, in `token`.
    function inOrders(SandboxToken token) external view returns (uint256 amount) {
        for (uint256 i = 0; i < ORDERS; ++i) {
            if (_orders[i].token != address(token)) continue;
            (Phase phase,,,,) = vault.orderState(vault.hashOrder(_orders[i]));
            if (phase == Phase.LOCK || phase == Phase.CLEAR) amount += _orders[i].amount;
        }
    }

    /* HELPERS */

    function _anySteps(uint256[5] calldata seeds, bytes32 noise) private view returns (Step[] memory list) {
        // Pairs often, and often alone: most other lists are refused whole.
        list = new Step[](seeds[0] % 2 == 0 ? 2 : 1 + seeds[0] / 2 % 6);
        for (uint256 i = 0; i < list.length; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(seeds, i / 2)));
            list[i] = _anyStep(seed % 4 != 0 ? 2 * (seed / 4 % 2) + i % 2 : seed / 4 % 16, seed / 64, noise);
        }
    }

    function _anyStep(uint256 choice, uint256 seed, bytes32 noise) private view returns (Step memory) {
        Order memory order = _orders[seed % ORDERS];
        address token = order.token;
        if (choice < 2) return createAndPaySteps(order)[choice];
        if (choice < 4) return paySteps(order)[choice - 2];
        if (choice == 4) return createSteps(order)[0];
        if (choice == 5) return Step(token, abi.encodeCall(IERC20.transfer, (stranger, 1)));
        if (choice == 6) return Step(token, abi.encodeCall(IERC20.approve, (stranger, 1)));
        if (choice == 7) return Step(token, abi.encodeCall(IERC20.approve, (address(vault), uint256(noise))));
        if (choice == 8) return Step(address(requester), abi.encodeCall(AgentAccount.setLimits, (token, 1e18, 1e18)));
        if (choice == 9) {
            return Step(address(requester), abi.encodeCall(AgentAccount.execute, (calls(stranger, 1, ""))));
        }
        if (choice == 10) return Step(address(vault), abi.encodeCall(ICAPVault.claim, (token, stranger)));
        if (choice == 11) return rejectSteps(order)[0];
        if (choice == 12) return Step(address(vault), abi.encodePacked(ICAPVault.payOrder.selector, noise));
        if (choice == 13) return Step(address(entryPoint), abi.encodeCall(entryPoint.withdrawTo, (beneficiary, 1)));
        order.amount = uint120(bound(uint256(noise), 1, 1e18)); // terms that nobody agreed to
        if (choice == 14) return paySteps(order)[1];
        return Step(address(vault), abi.encodePacked(ICAPVault.createAndPayOrder.selector, abi.encode(order), noise));
    }

    /// @dev Whatever has been paid since the last look must have been within the limits, which only the Owner changes, between two looks.
    function _observe(bool success) private {
        uint256 day = vm.getBlockTimestamp() / 1 days;
        for (uint256 i = 0; i < ORDERS; ++i) {
            bytes32 orderId = vault.hashOrder(_orders[i]);
            (Phase phase,,,,) = vault.orderState(orderId);
            if (_paid[orderId] || phase != Phase.LOCK) continue;
            SandboxToken token = SandboxToken(_orders[i].token);
            (uint80 perOrder, uint80 perDay,) = requester.limits(address(token));
            _paid[orderId] = true;
            ++payments;
            _spent[token][day] += _orders[i].amount;
            if (!success || _orders[i].amount > perOrder || _spent[token][day] > perDay) {
                beyondLimits += _orders[i].amount;
            }
        }
        for (uint256 t = 0; t < 2; ++t) {
            (,, uint80 spentToday) = requester.limits(address(tokens[t]));
            vm.assertEq(spentToday, _spent[tokens[t]][day], "13: what the account counts is what was paid");
        }
    }

    function _tokenDomain(SandboxToken token) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(token.name())),
                keccak256("2"),
                block.chainid,
                address(token)
            )
        );
    }
}
