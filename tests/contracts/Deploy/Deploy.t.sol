// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {CAPVault} from "../../../contracts/CAPVault.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {AgentAccountFactory} from "../../../contracts/account/AgentAccountFactory.sol";
import {CAPPaymaster} from "../../../contracts/paymaster/CAPPaymaster.sol";
import {SandboxToken} from "../../../contracts/sandbox/SandboxToken.sol";
import {Deploy} from "../../../contracts/script/Deploy.s.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";

contract DeployTest is AccountTest {
    Deploy private _script;
    Deploy.Inputs private _inputs;

    /// @dev Starts from an empty chain, unlike the other tests.
    function setUp() public override {
        etchDeterministicDeployer();
        _script = Deploy(vm.deployCode("Deploy.s.sol:Deploy", ""));
        vm.deal(address(_script), 10 ether);
        _inputs = Deploy.Inputs({
            deployer: address(_script),
            owner: address(_script),
            treasury: treasury,
            sponsor: vm.addr(SPONSOR_KEY),
            paymasterDeposit: 1 ether,
            usdc: address(0)
        });
    }

    function test_everything() public {
        Deploy.Deployment memory d = _script.deploy(_inputs);

        vm.assertEq(d.entryPoint, 0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108, "EntryPoint");
        CAPVault vault_ = CAPVault(d.vault);
        vm.assertTrue(d.vaultIsNew, "new");
        vm.assertEq(vault_.owner(), address(_script), "vault's owner");
        vm.assertEq(vault_.pendingOwner(), address(0), "no transfer");
        vm.assertEq(vault_.treasury(), treasury, "treasury");
        _assertToken(vault_, d.usdc, true, 1000);
        _assertToken(vault_, d.eurc, true, 100);
        vm.assertEq(AgentAccountFactory(d.accountFactory).implementation(), d.accountImplementation, "implementation");
        AgentAccount implementation = AgentAccount(payable(d.accountImplementation));
        vm.assertEq(implementation.vault(), d.vault, "accounts' vault");
        vm.assertEq(implementation.paymaster(), d.paymaster, "accounts' paymaster");
        CAPPaymaster paymaster_ = CAPPaymaster(payable(d.paymaster));
        vm.assertEq(paymaster_.owner(), address(_script), "paymaster's owner");
        vm.assertEq(paymaster_.signer(), vm.addr(SPONSOR_KEY), "sponsor");
        vm.assertEq(IEntryPoint(d.entryPoint).balanceOf(d.paymaster), 1 ether, "deposit");
        vm.assertEq(SandboxToken(d.usdc).minter(), address(_script), "minter");
        vm.assertEq(SandboxToken(d.eurc).minter(), address(_script), "minter");
    }

    function test_anotherOwner() public {
        _inputs.owner = platform;
        Deploy.Deployment memory d = _script.deploy(_inputs);
        address[2] memory owned = [d.vault, d.paymaster];
        for (uint256 i = 0; i < owned.length; ++i) {
            vm.assertEq(Ownable2Step(owned[i]).pendingOwner(), platform, "pending");
            vm.prank(platform);
            Ownable2Step(owned[i]).acceptOwnership();
            vm.assertEq(Ownable2Step(owned[i]).owner(), platform, "accepted");
        }

        _assertSame(_script.deploy(_inputs), d);
        vm.assertEq(CAPVault(d.vault).pendingOwner(), address(0), "settings left alone");
    }

    function test_again() public {
        Deploy.Deployment memory first = _script.deploy(_inputs);
        _inputs.paymasterDeposit = 1.5 ether;
        // ETH that goes to the EntryPoint itself is a deposit whatever has become of the paymaster.
        vm.expectCall(first.paymaster, abi.encodeCall(CAPPaymaster.deposit, ()), 0);
        Deploy.Deployment memory second = _script.deploy(_inputs);

        _assertSame(second, first);
        vm.assertFalse(second.vaultIsNew, "was there");
        vm.assertEq(IEntryPoint(first.entryPoint).balanceOf(first.paymaster), 1.5 ether, "filled up");
        vm.assertEq(address(_script).balance, 8.5 ether, "cost");
    }

    /// @dev With both owners: the one who runs the script, and another.
    function test_tokenThatTheOwnerSet() public {
        Deploy.Deployment memory d = _script.deploy(_inputs);
        CAPVault vault_ = CAPVault(d.vault);
        vm.prank(address(_script));
        vault_.setToken(d.usdc, false, 500);

        _script.deploy(_inputs);
        _assertToken(vault_, d.usdc, false, 500);

        _inputs.owner = platform;
        _script.deploy(_inputs);
        vm.prank(platform);
        vault_.acceptOwnership();
        _script.deploy(_inputs);
        _assertToken(vault_, d.usdc, false, 500);

        vm.prank(platform);
        vault_.setToken(d.usdc, true, 0);
        _script.deploy(_inputs);
        _assertToken(vault_, d.usdc, true, 0);
    }

    function test_anyChain() public {
        uint256 empty = vm.snapshotState();
        Deploy.Deployment memory here = _script.deploy(_inputs);
        vm.revertToState(empty);
        vm.chainId(8453);
        _inputs.usdc = here.usdc;
        Deploy.Deployment memory there = _script.deploy(_inputs);

        vm.assertTrue(there.vaultIsNew, "another chain");
        here.eurc = address(0); // the sandbox's own
        _assertSame(there, here);
    }

    function test_RevertWhen_otherCodeIsThere() public {
        uint256 empty = vm.snapshotState();
        Deploy.Deployment memory d = _script.deploy(_inputs);
        vm.revertToState(empty);
        // Before the deployment, and after it.
        for (uint256 deployed = 0; deployed < 2; ++deployed) {
            if (deployed == 1) _script.deploy(_inputs);
            _assertRefused(d.entryPoint, "EntryPoint");
            _assertRefused(d.vault, "CAPVault");
            _assertRefused(d.paymaster, "CAPPaymaster");
            _assertRefused(d.accountFactory, "AgentAccountFactory");
            _assertRefused(d.usdc, "USDC");
            _assertRefused(d.eurc, "EURC");
        }
        _assertRefused(d.accountImplementation, "What AgentAccountFactory creates");
    }

    /// @dev The same contract, wired to another vault: what differs is its immutables.
    function test_RevertWhen_anotherWiring() public {
        Deploy.Deployment memory d = _script.deploy(_inputs);
        address treasury_ = _inputs.treasury;
        _inputs.treasury = stranger;
        bytes memory other = _script.deploy(_inputs).accountFactory.code;
        _inputs.treasury = treasury_;

        vm.etch(d.accountFactory, other);
        vm.expectRevert(_otherCode("AgentAccountFactory", d.accountFactory));
        _script.deploy(_inputs);
    }

    function test_RevertWhen_otherSettings() public {
        Deploy.Deployment memory d = _script.deploy(_inputs);
        _inputs.owner = platform;
        uint256 state = vm.snapshotState();
        vm.prank(address(_script));
        CAPVault(d.vault).setTreasury(stranger);
        _assertRefused("CAPVault's treasury", stranger, treasury);
        vm.revertToState(state);

        vm.prank(address(_script));
        CAPPaymaster(payable(d.paymaster)).setSigner(stranger);
        _assertRefused("CAPPaymaster's sponsor", stranger, vm.addr(SPONSOR_KEY));
        vm.revertToState(state);

        address[2] memory owned = [d.vault, d.paymaster];
        string[2] memory names = ["CAPVault's owner", "CAPPaymaster's owner"];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(address(_script));
            Ownable2Step(owned[i]).transferOwnership(stranger);
            vm.prank(stranger);
            Ownable2Step(owned[i]).acceptOwnership();
            _assertRefused(names[i], stranger, platform);
            vm.revertToState(state);
        }
    }

    function test_offerToSomebodyElse() public {
        Deploy.Deployment memory d = _script.deploy(_inputs);
        Ownable2Step owned = Ownable2Step(d.vault);
        vm.prank(address(_script));
        owned.transferOwnership(stranger);

        _script.deploy(_inputs);
        vm.assertEq(owned.pendingOwner(), address(0), "taken back");

        vm.prank(address(_script));
        owned.transferOwnership(stranger);
        _inputs.owner = platform;
        _script.deploy(_inputs);
        vm.assertEq(owned.pendingOwner(), platform, "replaced");
    }

    function test_otherTreasury() public {
        Deploy.Deployment memory first = _script.deploy(_inputs);
        _inputs.treasury = stranger;
        Deploy.Deployment memory second = _script.deploy(_inputs);

        vm.assertEq(second.entryPoint, first.entryPoint, "one EntryPoint");
        vm.assertEq(second.paymaster, first.paymaster, "one paymaster");
        vm.assertTrue(second.vault != first.vault, "vault");
        _assertOtherAccounts(second, first);
    }

    function test_otherSponsor() public {
        Deploy.Deployment memory first = _script.deploy(_inputs);
        _inputs.sponsor = stranger;
        Deploy.Deployment memory second = _script.deploy(_inputs);

        vm.assertEq(second.vault, first.vault, "one vault");
        vm.assertTrue(second.paymaster != first.paymaster, "paymaster");
        _assertOtherAccounts(second, first);
    }

    function test_realToken() public {
        _inputs.usdc = vm.deployCode("SandboxToken.sol:SandboxToken", abi.encode("USD Coin", "USDC", stranger));
        Deploy.Deployment memory d = _script.deploy(_inputs);
        vm.assertEq(d.usdc, _inputs.usdc, "token");
        vm.assertEq(d.eurc, address(0), "no sandbox token");
        (bool enabled,,) = CAPVault(d.vault).tokenConfig(_inputs.usdc);
        vm.assertTrue(enabled, "enabled");
    }

    function test_RevertWhen_anotherOwnerMustEnableTheToken() public {
        _inputs.owner = platform;
        Deploy.Deployment memory d = _script.deploy(_inputs);
        vm.prank(platform);
        CAPVault(d.vault).acceptOwnership();
        _inputs.usdc = address(0xCAFE);

        vm.expectRevert(
            "Token 0x000000000000000000000000000000000000cafE is not enabled: the vault's owner must call setToken"
        );
        _script.deploy(_inputs);
    }

    function test_RevertWhen_noDeterministicDeployer() public {
        vm.etch(0x4e59b44847b379578588920cA78FbF26c0B4956C, "");
        vm.expectRevert(
            "No code at 0x4e59b44847b379578588920cA78FbF26c0B4956C: deploy the deterministic deployer on this chain first"
        );
        _script.deploy(_inputs);
    }

    /// @dev One test, because the environment is the whole process's; no other test reads these names.
    function test_inputsFromTheEnvironment() public {
        string[3] memory names = ["CAPVAULT_OWNER", "CAPVAULT_TREASURY", "CAPVAULT_SPONSOR"];
        string[3] memory meanings =
            ["owner of vault and paymaster", "receives the platform fees", "address of the relayer's sponsor key"];
        vm.setEnv("CAPVAULT_USDC", vm.toString(address(0)));
        vm.setEnv("CAPVAULT_PAYMASTER_DEPOSIT", "5");
        for (uint256 i = 0; i < 3; ++i) {
            vm.setEnv(names[i], vm.toString(address(0)));
        }
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                bytes(
                    string.concat(names[i], " is not set: expected an address (", meanings[i], "), found nothing or 0")
                )
            );
            _script.run();
            vm.setEnv(names[i], vm.toString(platform));
        }

        vm.chainId(8453);
        vm.expectRevert(
            "CAPVAULT_USDC is not set: chain 8453 needs its USDC's address; only chain 31337 gets sandbox tokens"
        );
        _script.run();
        vm.setEnv("CAPVAULT_USDC", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913");
        vm.expectRevert(
            "CAPVAULT_USDC: there is no contract at 0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913 on this chain"
        );
        _script.run();

        vm.chainId(31_337);
        vm.setEnv("CAPVAULT_USDC", vm.toString(address(0)));
        string memory path = "deployments/31337.json";
        string memory before = vm.exists(path) ? vm.readFile(path) : "";
        Deploy.Deployment memory d = _script.run();
        vm.assertEq(CAPVault(d.vault).pendingOwner(), platform, "owner");
        vm.assertEq(CAPVault(d.vault).treasury(), platform, "treasury");
        vm.assertEq(CAPPaymaster(payable(d.paymaster)).signer(), platform, "sponsor");
        vm.assertEq(IEntryPoint(d.entryPoint).balanceOf(d.paymaster), 5, "deposit");
        vm.assertEq(bytes(vm.exists(path) ? vm.readFile(path) : ""), bytes(before), "no file");
    }

    /// @dev With nothing but a STOP at `target`.
    function _assertRefused(address target, string memory name) private {
        uint256 state = vm.snapshotState();
        vm.etch(target, hex"00");
        vm.expectRevert(_otherCode(name, target));
        _script.deploy(_inputs);
        vm.revertToState(state);
    }

    function _otherCode(string memory name, address target) private pure returns (bytes memory) {
        return bytes(
            string.concat(
                name,
                " ",
                vm.toString(target),
                ": found other code than what was compiled. Nothing was sent; do not use this address"
            )
        );
    }

    function _assertRefused(string memory name, address found, address expected) private {
        vm.expectRevert(
            bytes(
                string.concat(
                    name,
                    ": found ",
                    vm.toString(found),
                    ", expected ",
                    vm.toString(expected),
                    ". Nothing was sent; its owner has changed it, or the inputs are another deployment's"
                )
            )
        );
        _script.deploy(_inputs);
    }

    function _assertToken(CAPVault vault_, address token, bool enabled, uint256 minFeeBps) private view {
        (bool nowEnabled, uint16 nowMin,) = vault_.tokenConfig(token);
        vm.assertEq(nowEnabled, enabled, "enabled");
        vm.assertEq(nowMin, minFeeBps, "minimum fee");
    }

    function _assertOtherAccounts(Deploy.Deployment memory left, Deploy.Deployment memory right) private pure {
        vm.assertTrue(left.accountFactory != right.accountFactory, "factory");
        vm.assertTrue(left.accountImplementation != right.accountImplementation, "implementation");
    }

    function _assertSame(Deploy.Deployment memory left, Deploy.Deployment memory right) private pure {
        vm.assertEq(left.entryPoint, right.entryPoint, "EntryPoint");
        vm.assertEq(left.vault, right.vault, "vault");
        vm.assertEq(left.accountFactory, right.accountFactory, "factory");
        vm.assertEq(left.accountImplementation, right.accountImplementation, "implementation");
        vm.assertEq(left.paymaster, right.paymaster, "paymaster");
        vm.assertEq(left.usdc, right.usdc, "usdc");
        vm.assertEq(left.eurc, right.eurc, "eurc");
    }
}
